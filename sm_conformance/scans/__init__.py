"""What scanners found in an image, read of the files that they wrote. None of them is run."""
