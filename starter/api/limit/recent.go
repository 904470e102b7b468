package limit

import "container/list"

// Recent is a map that keeps the entries used last. It is not for several goroutines at once.
type Recent[V any] struct {
	most    int
	order   *list.List // of entry[V], the one used last in front
	entries map[string]*list.Element
}

type entry[V any] struct {
	key   string
	value V
}

// NewRecent keeps at most so many entries.
func NewRecent[V any](most int) *Recent[V] {
	return &Recent[V]{most: most, order: list.New(), entries: map[string]*list.Element{}}
}

// Get is the value of a key, which counts as a use.
func (r *Recent[V]) Get(key string) (V, bool) {
	element, ok := r.entries[key]
	if !ok {
		var none V
		return none, false
	}
	r.order.MoveToFront(element)
	return element.Value.(entry[V]).value, true
}

// Put sets the value of a key and forgets the entry that has not been used for longest, if there are too many.
func (r *Recent[V]) Put(key string, value V) {
	if element, ok := r.entries[key]; ok {
		element.Value = entry[V]{key, value}
		r.order.MoveToFront(element)
		return
	}
	r.entries[key] = r.order.PushFront(entry[V]{key, value})
	if r.order.Len() > r.most {
		oldest := r.order.Remove(r.order.Back()).(entry[V])
		delete(r.entries, oldest.key)
	}
}

// Len is how many entries there are.
func (r *Recent[V]) Len() int { return r.order.Len() }
