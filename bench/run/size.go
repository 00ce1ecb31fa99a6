package main

import "os"

// barSize is what a loader may add to an empty program.
const barSize = 1_200_000

// sizes are two rows: the smallest program that opens, loads and attaches,
// stripped, and how much larger that is than an empty one. libbpf's is linked
// statically, as Go's are.
func (e *env) sizes() ([]result, error) {
	var built, more = map[string]*cell{}, map[string]*cell{}
	for _, name := range peerNames {
		var size [2]float64
		for i, pkg := range []string{"empty", name} {
			file := "size-" + pkg
			var err error
			if name == "libbpf" {
				file += "-c"
				err = e.cBuild(file, "size/libbpf/"+[]string{"empty.c", "main.c"}[i], "-static -s")
			} else {
				err = e.goBuild(file, "./size/"+pkg)
			}
			if err != nil {
				return nil, err
			}
			info, err := os.Stat(e.path(file))
			if err != nil {
				return nil, err
			}
			size[i] = float64(info.Size()) / 1000
		}
		built[name], more[name] = exactly(size[1]), exactly(size[1]-size[0])
	}
	over := result{Name: "binary size over an empty program", What: "of the same language", Unit: kb.name, unit: kb, Peers: more}
	over.Bars = over.judge([]bar{most(barSize / 1000)})
	return []result{{
		Name: "binary size", What: "open, load, attach; static, stripped", Unit: kb.name, unit: kb, Peers: built,
	}, over}, nil
}

// exactly is a cell of what does not vary.
func exactly(v float64) *cell {
	return &cell{stat: stat{Median: v, Low: v, High: v, Samples: 1}}
}
