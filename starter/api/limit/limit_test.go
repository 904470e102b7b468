package limit

import (
	"fmt"
	"testing"
	"time"
)

func TestABucketEmptiesAndFillsAgain(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l := New(2, 3, func() time.Time { return now })
	for range 3 {
		if wait, ok := l.Take("a"); !ok || wait != 0 {
			t.Fatalf("refused, wait %s", wait)
		}
	}
	for range 5 { // a refusal takes nothing
		if wait, ok := l.Take("a"); ok || wait != 500*time.Millisecond {
			t.Fatalf("let through, or wait %s", wait)
		}
	}
	if wait := l.Wait("a"); wait != 500*time.Millisecond {
		t.Errorf("wait %s", wait)
	}
	if _, ok := l.Take("b"); !ok {
		t.Error("another key was refused")
	}
	now = now.Add(500 * time.Millisecond)
	if wait := l.Wait("a"); wait != 0 {
		t.Errorf("wait %s", wait)
	}
	if _, ok := l.Take("a"); !ok {
		t.Error("refused after the wait")
	}
	if _, ok := l.Take("a"); ok {
		t.Error("let through at once after the wait")
	}
	now = now.Add(time.Hour)
	for range 3 {
		l.Take("a")
	}
	if _, ok := l.Take("a"); ok {
		t.Error("the bucket held more than its burst")
	}
}

func TestAKeyThatWasNeverSeenNeedNotWaitAndIsNotRemembered(t *testing.T) {
	l := New(1, 1, time.Now)
	if wait := l.Wait("a"); wait != 0 || l.buckets.Len() != 0 {
		t.Errorf("wait %s, %d remembered", wait, l.buckets.Len())
	}
}

func TestNoMoreKeysAreRememberedThanThereIsRoomFor(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l := New(1, 1, func() time.Time { return now })
	l.Take("used")
	for i := range 3 * keys {
		l.Take(fmt.Sprint(i))
		if i%100 == 0 {
			if _, ok := l.Take("used"); ok {
				t.Fatal("a key that was in use was forgotten")
			}
		}
	}
	if got := l.buckets.Len(); got != keys {
		t.Errorf("%d keys are remembered", got)
	}
}

func TestTheEntryUsedLongestAgoIsForgotten(t *testing.T) {
	r := NewRecent[int](2)
	r.Put("a", 1)
	r.Put("b", 2)
	r.Get("a")
	r.Put("c", 3)
	r.Put("a", 4)
	for key, want := range map[string]int{"a": 4, "b": 0, "c": 3} {
		if got, ok := r.Get(key); got != want || ok != (want > 0) {
			t.Errorf("%s: %d %v", key, got, ok)
		}
	}
	if r.Len() != 2 {
		t.Errorf("%d entries", r.Len())
	}
}
