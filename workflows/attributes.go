package workflows

// Attributes are the names of the search attributes that operations set, all of type Keyword.
func Attributes() []string {
	return []string{AttributeEnvironment.GetName(), AttributeOperation.GetName(), AttributePhase.GetName(), AttributeOutcome.GetName()}
}
