"""Files from the net: a catalogue with checksums, a download that goes on where it stopped, archives unpacked safely."""
