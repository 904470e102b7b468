package operations

import (
	"net/url"
	"strings"

	"lockstep/workflows"
	"lockstep/workflows/board"
)

// Link leads to the board of an operation in the Temporal UI. Without a run id it leads to the newest run.
func (c Client) Link(o Operation) string {
	page := c.page("workflows", workflows.CanonicalID(o.Environment))
	if o.ID == "" {
		return page
	}
	return page + "/" + o.ID + "/user-metadata"
}

// HistoryLink leads to the events of an operation in the Temporal UI.
func (c Client) HistoryLink(o Operation) string {
	return c.page("workflows", workflows.CanonicalID(o.Environment)) + "/" + o.ID + "/history"
}

// StartLink leads to the Temporal UI's form with which an operation is started. The form fills in the input of the environment's
// last operation of that kind; the first time it is typed, as [StartInput].
func (c Client) StartLink(environment, operation, queue string) string {
	fields := url.Values{"workflowId": {workflows.CanonicalID(environment)}, "taskQueue": {queue}, "workflowType": {operation}}
	return c.page("workflows", "start-workflow") + "?" + fields.Encode()
}

// StartInput is what to type into the form of [Client.StartLink].
func StartInput(environment string) string { return `{"environment": "` + environment + `"}` }

// ListLink leads to all operations on an environment in the Temporal UI.
func (c Client) ListLink(environment string) string {
	query := url.Values{"query": {board.AttributeEnvironment.GetName() + `="` + environment + `"`}}
	return c.page("workflows") + "?" + query.Encode()
}

// ScheduleLink leads to a schedule in the Temporal UI.
func (c Client) ScheduleLink(id string) string { return c.page("schedules", id) }

// page is an address in the UI's part for the namespace.
func (c Client) page(path ...string) string {
	for i, part := range path {
		path[i] = url.PathEscape(part)
	}
	return strings.TrimRight(c.UI, "/") + "/namespaces/" + url.PathEscape(c.Namespace) + "/" + strings.Join(path, "/")
}
