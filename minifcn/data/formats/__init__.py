"""Labelled pictures as annotation tools and public sets write them, turned into a folder in VOC layout: one small file a format.

`source`     what every format gives back: pictures, how their labels are read, what the labels' numbers mean
`registry`   the list of formats, and which of them a folder is
`finding`    files by their names: which belong together, which split they are of
`lists`      lists of classes as tools write them
`masks`      label files as numbers or as colours; `kinds`: which of both plain masks hold
`pixels`     counting and renumbering labels, which are the same over long runs
`turning`    pictures that are shown turned, and how their labels lie
`survey`     every number or colour that was found, and the class that it becomes: the table before anything is written
`writing`    the folder itself
`picture_index`  the picture that a tool's file names by path, address or upload
`shapes`     which pixels a polygon or an ellipse covers, masks as run lengths
`coco`       COCO's JSON, which many tools write; `yolo`: Ultralytics' text files; `via`: the VGG Image Annotator's regions
`tools`      annotation tools; `sets`: public sets; `fields`: formats of other fields; `pairs`: two plain folders
"""
