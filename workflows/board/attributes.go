package board

import "go.temporal.io/sdk/temporal"

// Search attributes of every operation, all of type Keyword.
var (
	AttributeEnvironment = temporal.NewSearchAttributeKeyKeyword("Environment")
	AttributeOperation   = temporal.NewSearchAttributeKeyKeyword("Operation")
	AttributePhase       = temporal.NewSearchAttributeKeyKeyword("Phase")
	AttributeOutcome     = temporal.NewSearchAttributeKeyKeyword("Outcome")
)

// Attributes are the names of the search attributes that operations set, all of type Keyword.
func Attributes() []string {
	return []string{AttributeEnvironment.GetName(), AttributeOperation.GetName(), AttributePhase.GetName(), AttributeOutcome.GetName()}
}
