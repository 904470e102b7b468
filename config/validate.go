package config

// Validate checks a defaulted environment and returns [Problems]: all of them at once.
func (e Environment) Validate() error {
	var found Problems
	return found.err()
}

// Warnings are what works but deserves a thought.
func (e Environment) Warnings() []Problem { return nil }
