package valuesfile

import (
	"errors"
	"os"

	"lockstep/config"
	"lockstep/config/strictyaml"
)

// Fold puts the values file that a part of a document names under the part's values. The name is gone then, so that the document
// means the same on a machine without the file. what says what the document is, as "an environment file".
func Fold(part config.Part, what string, readFile func(name string) ([]byte, error)) config.Problems {
	if *part.ValuesFile == "" || readFile == nil {
		return nil // validation refuses what is left
	}
	name, path := *part.ValuesFile, part.Name+".valuesFile"
	*part.ValuesFile = ""
	data, err := readFile(name)
	if err != nil {
		return config.Problems{{Path: path, Value: name, Message: "cannot be read: " + reason(err),
			Next: "write the name of a values file in the folder of the " + what + ", or below it"}}
	}
	var under config.Values
	_, found := strictyaml.Decode(data, &under, "a values file")
	for i := range found {
		found[i].Path, found[i].Value = name+": "+found[i].Path, "" // nobody knows what file that is
	}
	if len(found) == 0 && len(under) > 0 {
		*part.Values = config.MergeValues(under, *part.Values)
	}
	return found
}

// reason is what went wrong without the path, which the message names already.
func reason(err error) string {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
