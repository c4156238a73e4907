"""What the tests of EDI files share: a second reader, and writers of interchanges."""
