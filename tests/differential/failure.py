"""What the parts of the differential test raise."""


class Failure(Exception):
    """The first difference of a sequence."""

    def __init__(self, index, command, theirs, ours):
        super().__init__(index)
        self.index, self.command, self.theirs, self.ours = index, command, theirs, ours
