"""What a folder says about itself in text files, and the one place where every command reads it.

`texts`       how they are decoded
`lists`       class names, one a line or with numbers; `structured` in JSON and YAML; `strange` lines that are no names
`tables`      class lists as annotation tools and public sets write them, with colours or numbers beside the names
`numbers`     void.txt: numbers that are nobody's class
`splits`      which pictures a split lists
`folder`      which of these files lie in a folder, and what they say together
`choice`      the classes that --classes chooses
"""
