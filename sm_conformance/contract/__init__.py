"""What is demanded: clauses, limits, profiles, and how a test names its clause."""
