package dial

import (
	"fmt"

	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// failures converts errors like the SDK, but says of a text that it cannot decrypt what is missing. The SDK would leave it at "Encoded
// failure".
type failures struct {
	sdk  converter.FailureConverter
	data converter.DataConverter
}

func newFailures(data converter.DataConverter, encrypt bool) failures {
	options := temporal.DefaultFailureConverterOptions{DataConverter: data, EncodeCommonAttributes: encrypt}
	return failures{temporal.NewDefaultFailureConverter(options), data}
}

// ErrorToFailure implements [converter.FailureConverter].
func (f failures) ErrorToFailure(err error) *failurepb.Failure { return f.sdk.ErrorToFailure(err) }

// FailureToError implements [converter.FailureConverter].
func (f failures) FailureToError(failure *failurepb.Failure) error {
	if failure == nil {
		return nil
	}
	readable := proto.CloneOf(failure)
	for cause := readable; cause != nil; cause = cause.GetCause() {
		explain(f.data, cause)
	}
	return f.sdk.FailureToError(readable)
}

// explain puts the reason why the text of a failure cannot be read in its place.
func explain(data converter.DataConverter, failure *failurepb.Failure) {
	sealed := failure.GetEncodedAttributes()
	if sealed == nil {
		return
	}
	var text any
	if err := data.FromPayload(sealed, &text); err != nil {
		failure.Message = fmt.Sprintf("%s (%v)", failure.GetMessage(), err)
	}
}
