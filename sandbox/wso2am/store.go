package wso2am

import (
	"sync"
	"time"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/keymanager"
)

// store is everything API Manager knows, and the gateway's copy of it. One lock: nothing under it waits for anybody.
type store struct {
	mu            sync.Mutex
	keyManagers   map[string]*keymanager.KeyManager // by id: what the administrator sees
	apis          map[string]*api
	applications  map[string]*application
	subscriptions map[string]*subscription
	keys          map[string]*keyMapping

	// What has propagated. Values are copies.
	live     map[string]keymanager.KeyManager // by id, for key generation and gateway
	deployed map[string]deployedAPI           // by context/version
	revoked  map[string]time.Time             // by jti, until
}

func newStore() *store {
	return &store{
		keyManagers:   map[string]*keymanager.KeyManager{},
		apis:          map[string]*api{},
		applications:  map[string]*application{},
		subscriptions: map[string]*subscription{},
		keys:          map[string]*keyMapping{},
		live:          map[string]keymanager.KeyManager{},
		deployed:      map[string]deployedAPI{},
		revoked:       map[string]time.Time{},
	}
}

func (s *store) addResident(issuer string) {
	resident := keymanager.New()
	resident.ID, resident.Name, resident.DisplayName, resident.Type = carbon.UUID(), keymanager.ResidentName, keymanager.ResidentName, keymanager.ResidentType
	resident.Issuer, resident.Enabled = issuer, true
	resident.EnableTokenGeneration, resident.EnableOAuthAppCreation, resident.EnableMapOAuthConsumerApps = true, true, true
	s.keyManagers[resident.ID], s.live[resident.ID] = &resident, resident
}
