//go:build race

package main

// underRace says whether the race detector is at work.
const underRace = true
