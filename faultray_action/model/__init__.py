"""The words of the house: every value that crosses a floor. Standard library only."""
