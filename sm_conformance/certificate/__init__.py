"""The certificate: a signed statement on one image, and all that it speaks of, in one file."""
