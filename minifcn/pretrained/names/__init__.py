"""What each family of files calls the layers of each network. These tables know nothing of files."""

from minifcn.pretrained.names import authors, caffe, keras, torchvision
from minifcn.pretrained.names.table import Names

TABLES: tuple[Names, ...] = (*torchvision.TABLES, *caffe.TABLES, *keras.TABLES, *authors.TABLES)
