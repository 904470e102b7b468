// Package auth says who may do what on the REST API.
//
// A [Guard] knows callers by `Authorization: Bearer`: by the tokens of the access file, of which it holds only the
// SHA-256, or by tokens of one OpenID Connect issuer. [Guard.Middleware] puts the [Identity] into the request's context;
// a handler asks [Guard.Authorize] before it looks or does anything, leaves out of lists what [Identity.Reads] does not
// let through, and tells [Guard.Record] what it changed. Who may do what is one table, in action.go.
package auth
