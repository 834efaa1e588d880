"""A coil from the results of its pictures: where its defects are, which come again, whether it is accepted."""
