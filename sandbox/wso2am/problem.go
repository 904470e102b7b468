package wso2am

import (
	"net/http"

	"lockstep/sandbox/carbon"
)

// problem is an error of the REST APIs, one of carbon-apimgt's ExceptionCodes. It is the body {code, message,
// description, moreInfo, error}.
type problem struct {
	status, code         int
	message, description string
}

// because says what is wrong in this case.
func (p problem) because(description string) *problem {
	p.description = description
	return &p
}

func (p *problem) Error() string { return p.message + ": " + p.description }

func fail(w http.ResponseWriter, p *problem) {
	if p.description == "" {
		p = p.because(p.message)
	}
	carbon.JSON(w, p.status, map[string]any{
		"code": p.code, "message": p.message, "description": p.description, "moreInfo": "", "error": []any{},
	})
}

// failBody refuses a request that the API's specification refuses.
func failBody(w http.ResponseWriter, err error) { fail(w, badRequest.because(err.Error())) }

var (
	badRequest      = problem{400, 400, "Bad Request", ""}
	unauthenticated = problem{401, 401, "Unauthorized", "Unauthenticated request"}
	general         = problem{500, 900967, "General Error", "Server Error Occurred"}

	apiExists            = problem{409, 900300, "The API already exists.", ""}
	apiNotFound          = problem{404, 404, "Not Found", "Requested API with id not found"}
	apiHasSubscriptions  = problem{409, 900366, "Failed to delete the API", "Cannot remove the API as active subscriptions exist"}
	keyManagersNotArray  = problem{400, 901350, "KeyManagers value need to be an array", "KeyManagers value need to be an array"}
	unsupportedAction    = problem{400, 900381, "Unsupported state change action", ""}
	lifecycleFailed      = problem{400, 900303, "Lifecycle exception occurred", ""}
	revisionNotFound     = problem{404, 900347, "API Revision Not Found", ""}
	revisionDeployed     = problem{400, 900348, "Can not delete API Revision ", "Couldn't delete API revision since API revision is currently deployed to a gateway"}
	tooManyRevisions     = problem{400, 900351, "Can not create API Revision ", "Maximum number of revisions per API has reached"}
	noGatewayEnvironment = problem{400, 900504, "Invalid Gateway Environment", ""}
	invalidVhost         = problem{400, 900511, "Gateway Environment virtual hosts name not provided", ""}

	tierInvalid            = problem{400, 900305, "The tier name is invalid.", "The tier name is invalid"}
	applicationNotFound    = problem{404, 900306, "Application not found", "Application not found"}
	applicationExists      = problem{409, 900307, "The application already exists.", "The application already exists"}
	subscriptionNotAllowed = problem{403, 900309, "Subscription is not allowed", ""}
	subscriptionNotFound   = problem{404, 900310, "Subscription not found", ""}
	subscriptionExists     = problem{409, 900336, "Subscription already exists", ""}
	keyMappingNotFound     = problem{404, 900331, "Application Key mapping not found", ""}

	keyManagerTypeInvalid     = problem{400, 901400, "Invalid Key Manager type", ""}
	keyManagerConfigMissing   = problem{400, 901401, "Required Key Manager configuration missing", ""}
	keyManagerExists          = problem{409, 901402, "Key Manager Already Exists", ""}
	keyManagerNotRegistered   = problem{400, 901403, "Key Manager is not registered", ""}
	keyManagerNameEmpty       = problem{400, 901404, "Key Manager name cannot be empty", ""}
	keyManagerNoAppCreation   = problem{400, 901405, "Key Manager doesn't support generating OAuth applications", ""}
	keyManagerNotEnabled      = problem{400, 901406, "Key Manager is not enabled in the system", ""}
	keyMappingExists          = problem{409, 901409, "Key Mappings already exists", ""}
	keyManagerNotFound        = problem{404, 901411, "Key Manager not found", ""}
	keyManagerDeleteFailed    = problem{412, 902015, "Key Manager Delete error", "Key Manager is already used by an API or an Application"}
	keyManagerUpdateForbidden = problem{400, 400, "Key Manager name and type cannot be changed", ""}
)
