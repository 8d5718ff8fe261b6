"""What the numbers in a folder's label files mean: the folder says it itself, and every command reads it here.

`lists`    a list of class names, one a line or with numbers
`tables`   lists as annotation tools and public sets write them, with colours or numbers beside the names
`numbers`  void.txt: numbers that are nobody's class
`folder`   which of these files lie in a folder, and what they say together
`choice`   the classes that --classes chooses
"""
