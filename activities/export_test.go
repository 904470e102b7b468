package activities

// Progress is progress, for tests from outside of the package.
var Progress = progress
