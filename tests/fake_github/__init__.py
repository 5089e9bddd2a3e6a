"""A GitHub that keeps state, validates what it is asked and enforces GitHub's limits; for tests of the publisher and of the container."""
