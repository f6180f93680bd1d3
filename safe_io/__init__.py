"""Reading what others wrote and writing results, safely. Imports nothing of this project; everything in it may import this."""
