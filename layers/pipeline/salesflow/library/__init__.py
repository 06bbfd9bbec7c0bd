"""The library page: which reports there are, how the runs ended, what is unusual."""
