// Package rest is how the REST APIs of API Manager answer: with errors by their codes, and with pages of lists.
package rest

import (
	"net/http"

	"lockstep/sandbox/carbon"
)

// Problem is an error of the REST APIs, one of carbon-apimgt's ExceptionCodes. It is the body {code, message,
// description, moreInfo, error}.
type Problem struct {
	status, code         int
	message, description string
}

// Because says what is wrong in this case.
func (p Problem) Because(description string) *Problem {
	p.description = description
	return &p
}

func (p *Problem) Error() string { return p.message + ": " + p.description }

// Fail answers with an error.
func Fail(w http.ResponseWriter, p *Problem) {
	if p.description == "" {
		p = p.Because(p.message)
	}
	carbon.JSON(w, p.status, map[string]any{
		"code": p.code, "message": p.message, "description": p.description, "moreInfo": "", "error": []any{},
	})
}

// FailBody refuses a request that the API's specification refuses.
func FailBody(w http.ResponseWriter, err error) { Fail(w, BadRequest.Because(err.Error())) }

// The errors of every API.
var (
	BadRequest      = Problem{400, 400, "Bad Request", ""}
	Unauthenticated = Problem{401, 401, "Unauthorized", "Unauthenticated request"}
	General         = Problem{500, 900967, "General Error", "Server Error Occurred"}
	InternalError   = Problem{500, 500, "Internal Server Error", ""}
)

// The errors of the publisher API.
var (
	APIExists            = Problem{409, 900300, "The API already exists.", ""}
	APINotFound          = Problem{404, 404, "Not Found", "Requested API with id not found"}
	APIHasSubscriptions  = Problem{409, 900366, "Failed to delete the API", "Cannot remove the API as active subscriptions exist"}
	KeyManagersNotArray  = Problem{400, 901350, "KeyManagers value need to be an array", "KeyManagers value need to be an array"}
	UnsupportedAction    = Problem{400, 900381, "Unsupported state change action", ""}
	LifecycleFailed      = Problem{400, 900303, "Lifecycle exception occurred", ""}
	RevisionNotFound     = Problem{404, 900347, "API Revision Not Found", ""}
	RevisionDeployed     = Problem{400, 900348, "Can not delete API Revision ", "Couldn't delete API revision since API revision is currently deployed to a gateway"}
	TooManyRevisions     = Problem{400, 900351, "Can not create API Revision ", "Maximum number of revisions per API has reached"}
	NoGatewayEnvironment = Problem{400, 900504, "Invalid Gateway Environment", ""}
	InvalidVhost         = Problem{400, 900511, "Gateway Environment virtual hosts name not provided", ""}
)

// The errors of the developer portal API.
var (
	TierInvalid            = Problem{400, 900305, "The tier name is invalid.", "The tier name is invalid"}
	ApplicationNotFound    = Problem{404, 900306, "Application not found", "Application not found"}
	ApplicationExists      = Problem{409, 900307, "The application already exists.", "The application already exists"}
	SubscriptionNotAllowed = Problem{403, 900309, "Subscription is not allowed", ""}
	SubscriptionNotFound   = Problem{404, 900310, "Subscription not found", ""}
	SubscriptionExists     = Problem{409, 900336, "Subscription already exists", ""}
	KeyMappingNotFound     = Problem{404, 900331, "Application Key mapping not found", ""}
)

// The errors about key managers and their keys.
var (
	KeyManagerTypeInvalid     = Problem{400, 901400, "Invalid Key Manager type", ""}
	KeyManagerConfigMissing   = Problem{400, 901401, "Required Key Manager configuration missing", ""}
	KeyManagerExists          = Problem{409, 901402, "Key Manager Already Exists", ""}
	KeyManagerNotRegistered   = Problem{400, 901403, "Key Manager is not registered", ""}
	KeyManagerNameEmpty       = Problem{400, 901404, "Key Manager name cannot be empty", ""}
	KeyManagerNoAppCreation   = Problem{400, 901405, "Key Manager doesn't support generating OAuth applications", ""}
	KeyManagerNotEnabled      = Problem{400, 901406, "Key Manager is not enabled in the system", ""}
	KeyMappingExists          = Problem{409, 901409, "Key Mappings already exists", ""}
	KeyManagerNotFound        = Problem{404, 901411, "Key Manager not found", ""}
	KeyManagerDeleteFailed    = Problem{412, 902015, "Key Manager Delete error", "Key Manager is already used by an API or an Application"}
	KeyManagerUpdateForbidden = Problem{400, 400, "Key Manager name and type cannot be changed", ""}
)

// TextList is a list of texts in the body of a request.
var TextList = carbon.Field{Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Text}}
