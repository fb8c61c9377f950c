# The commands of the README under the names that make users expect.
.PHONY: demo test check

demo:
	./run

test:
	./run test

check:
	./run check
