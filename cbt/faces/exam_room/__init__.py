"""The dialect of the exam room: candidates of a school sign in with a number and sit an exam."""
