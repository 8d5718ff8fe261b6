"""HDF5, in which Keras keeps weights, and Caffe can: h5py reads it, in a process of its own."""
