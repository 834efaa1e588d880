"""Commands of the trainer; each module holds one, called `command`."""
