package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// wantedModules are loaded before the tests run, where they are modules: what
// tests attach to, and two whose kfuncs and variables they look for. crc32c_generic is
// what libcrc32c, below that one, asks the kernel for by name.
var wantedModules = []string{
	"crc32c_generic", "veth", "dummy", "cls_bpf", "sch_ingress", "act_bpf", "nf_conntrack", "x_tables",
}

// kernel is one that can be booted, in the cache: image, config and the wanted
// modules, decompressed and numbered in the order to load them.
type kernel struct {
	target
	release string
	dir     string
}

func (k *kernel) image() string  { return filepath.Join(k.dir, "image") }
func (k *kernel) config() string { return filepath.Join(k.dir, "config") }

func (k *kernel) modules() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(k.dir, "modules", "*.ko"))
	slices.Sort(files)
	return files, err
}

// cacheDir is where kernels are kept; its layout's version is part of the name.
func cacheDir() (string, error) {
	dir := os.Getenv("SKEP_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(user, "skep")
	}
	return filepath.Abs(filepath.Join(dir, "vmtest2"))
}

// getKernel finds the newest point release of a target and brings it into the cache.
func getKernel(cache string, t target) (*kernel, error) {
	a, err := newAPT(filepath.Join(cache, "apt-"+t.arch), t.arch)
	if err != nil {
		return nil, err
	}
	k, err := findKernel(cache, t, a)
	if err == nil && arches[t.arch].kernelBTF {
		err = k.makeBTF(a)
	}
	return k, err
}

func findKernel(cache string, t target, a *apt) (*kernel, error) {
	// A mirror may be in the middle of an update, or out of reach. What apt has
	// of the lists is used then, and what is in the cache.
	all := a.update()
	if all != nil {
		fmt.Fprintf(os.Stderr, "vmtest: %v\n", all)
		if k := newestCached(cache, t); k != nil {
			fmt.Fprintf(os.Stderr, "vmtest: taking %s from the cache\n", k.release)
			return k, nil
		}
	}
	names, err := a.kernels()
	if err != nil {
		return nil, errors.Join(all, err)
	}
	for i, r := range releasesOf(names, t.series, arches[t.arch].flavour) {
		if i == 3 { // the pool forgets a release now and then, not all of them
			break
		}
		k := &kernel{t, r.name, filepath.Join(cache, t.arch, r.name)}
		if _, err := os.Stat(k.dir); err == nil {
			return k, nil
		}
		fmt.Fprintf(os.Stderr, "vmtest: fetching %s\n", r.name)
		err := k.fetch(a, r)
		if err == nil {
			return k, nil
		}
		fmt.Fprintf(os.Stderr, "vmtest: %v\n", err)
		all = errors.Join(all, err)
	}
	if all == nil {
		all = fmt.Errorf("no suite of apt's has a kernel %s for %s", t.series, t.arch)
	}
	return nil, all
}

func newestCached(cache string, t target) *kernel {
	dirs, err := os.ReadDir(filepath.Join(cache, t.arch))
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range dirs {
		if !strings.HasSuffix(d.Name(), fetching) && inSeries(d.Name(), t.series) {
			names = append(names, d.Name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	name := slices.MaxFunc(names, compareNatural)
	return &kernel{t, name, filepath.Join(cache, t.arch, name)}
}

// fetching ends the name of a kernel's folder until it is complete.
const fetching = ".part"

func (k *kernel) fetch(a *apt, r release) error {
	part := k.dir + fetching
	root := filepath.Join(part, "root")
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(filepath.Join(part, "modules"), 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := a.unpack(root, r.packages...); err != nil {
		return err
	}
	image, err := readFirst(root, "boot/vmlinuz-"+r.name, "usr/lib/modules/"+r.name+"/vmlinuz", "usr/lib/modules/"+r.name+"/vmlinuz.unsigned")
	if err != nil {
		return err
	}
	if arches[k.arch].unpack {
		if image, err = vmlinux(image); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	config, err := readFirst(root, "boot/config-"+r.name, "usr/lib/modules/"+r.name+"/config")
	if err != nil {
		return err
	}
	var mods []module
	for _, dir := range []string{"lib/modules", "usr/lib/modules"} {
		m, err := modulesFor(filepath.Join(root, dir, r.name), wantedModules)
		if err != nil {
			return err
		}
		mods = append(mods, m...)
	}
	for i, m := range mods {
		if err := os.WriteFile(filepath.Join(part, "modules", fmt.Sprintf("%02d-%s.ko", i, m.name)), m.data, 0o644); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(part, "image"), image, 0o644),
		os.WriteFile(filepath.Join(part, "config"), config, 0o644),
		os.RemoveAll(root),
		os.Rename(part, k.dir))
}

// readFirst reads the first of some files that there is.
func readFirst(root string, names ...string) ([]byte, error) {
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(root, n))
		if !errors.Is(err, os.ErrNotExist) {
			return b, err
		}
	}
	return nil, fmt.Errorf("the packages have none of %s", strings.Join(names, ", "))
}
