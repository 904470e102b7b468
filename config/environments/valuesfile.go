package environments

import (
	"errors"
	"os"

	"lockstep/config"
	"lockstep/config/strictyaml"
)

// foldValuesFiles puts each values file under the values beside it. What could be folded is no longer named, so that
// the environment means the same on a machine without the file.
func foldValuesFiles(e *config.Environment, readFile func(string) ([]byte, error)) (found config.Problems) {
	for _, part := range e.Parts() {
		found = append(found, foldValues(part.Name, part.Values, part.ValuesFile, readFile)...)
	}
	return found
}

func foldValues(part string, values *config.Values, file *string, readFile func(string) ([]byte, error)) config.Problems {
	if *file == "" || readFile == nil {
		return nil // validation refuses what is left
	}
	name, path := *file, part+".valuesFile"
	*file = ""
	data, err := readFile(name)
	if err != nil {
		return config.Problems{{Path: path, Value: name, Message: "cannot be read: " + reason(err),
			Next: "write the path of a values file, relative to the environment file"}}
	}
	var under config.Values
	_, found := strictyaml.Decode(data, &under, what)
	for i := range found {
		found[i].Path, found[i].Value = name+": "+found[i].Path, "" // nobody knows what file that is
	}
	if len(found) == 0 && len(under) > 0 {
		*values = config.MergeValues(under, *values)
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
