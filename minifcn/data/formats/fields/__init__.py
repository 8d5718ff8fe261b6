"""Label files of other fields, by a kept reader each that is an extra: maps, microscopes, medicine."""
