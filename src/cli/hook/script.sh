#!/bin/sh
@SIGN@
# Runs no program of the repository: PATH is searched without its relative directories, and without directories that are,
# with all links resolved, in one of the repository's work trees or git directories. Until PATH is safe, only builtins of
# the shell are used.
all=$PATH

# Sets `real` to the directory $1 without links.
real() {
	real=$(CDPATH= cd -P -- "$1" 2>/dev/null && pwd -P && echo .) || return 1
	real=${real%??}
	while :; do case $real in //*) real=${real#/} ;; *) break ;; esac; done
}

# Sets `path` to the path in the first line of the file $1, after the prefix $2. A relative path starts at the directory $3.
pointer() {
	line=
	{ IFS= read -r line <"$1"; } 2>/dev/null || [ -n "$line" ] || return 1
	case $line in "$2"?*) path=${line#"$2"} ;; *) return 1 ;; esac
	case $path in /* | [A-Za-z]:*) ;; *) path=$3/$path ;; esac
}

# Sets `git_dir` to the git directory of $1, a `.git` directory or file, and `common` to the directory that all its work
# trees share.
common() {
	path=$1
	if [ -f "$path" ]; then pointer "$path" 'gitdir: ' "${path%/*}" || return 1; fi
	real "$path" || return 1
	git_dir=$real common=$real
	if [ -f "$real/commondir" ]; then
		pointer "$real/commondir" '' "$real" && real "$path" || return 1
		common=$real
	fi
}

# Sets the directories of this repository: `here` and `tree`, the work tree; `own` and `shared`, the git directories.
repository() {
	here= tree= own= shared=
	real . && here=$real
	if [ -n "$GIT_WORK_TREE" ] && real "$GIT_WORK_TREE"; then tree=$real; fi
	found=$GIT_DIR up=$here
	while [ -z "$found" ] && [ -n "$up" ]; do
		if [ -e "$up/.git" ]; then
			found=$up/.git
		elif [ -e "$up/HEAD" ] && { [ -d "$up/objects" ] || [ -e "$up/commondir" ]; }; then
			found=$up
		fi
		up=${up%/*}
	done
	case $found in /* | '') ;; *) found=./$found ;; esac
	if [ -n "$found" ] && common "$found"; then own=$git_dir shared=$common; fi
	if [ -n "$GIT_COMMON_DIR" ] && real "$GIT_COMMON_DIR"; then shared=$real; fi
}

# Whether the directory $1 is in this repository. If that cannot be determined, it is assumed to be.
inside() {
	real "$1" || return 0
	up=$real
	while [ -n "$up" ]; do
		for dir in "$here" "$tree" "$own" "$shared"; do
			if [ "$up" = "$dir" ] || [ "$up" -ef "$dir" ]; then return 0; fi
		done
		if [ -e "$up/.git" ]; then
			if ! common "$up/.git" || [ -z "$shared" ] || [ "$common" = "$shared" ]; then return 0; fi
		fi
		up=${up%/*}
	done
	return 1
}

# Sets PATH to its directories that are not in this repository. An empty PATH would mean the current directory.
safe_path() {
	rest=$all: safe=
	while [ -n "$rest" ]; do
		entry=${rest%%:*} rest=${rest#*:}
		case $entry in /*) inside "$entry" || safe=${safe:+$safe:}$entry ;; esac
	done
	PATH=${safe:-/dev/null}
}

# Sets PATH to its safe directories. Git is asked for the work tree, too, which may be named only by its configuration.
outside() {
	repository
	safe_path
	top=$(git rev-parse --show-toplevel 2>/dev/null && echo .) || return 0
	top=${top%??}
	if real "$top" && [ "$real" != "$here" ]; then
		tree=$real
		safe_path
	fi
}

# Whether the file $1 is a link that leads into this repository, or goes through it.
leads_inside() {
	file=$1 links=0
	while [ -L "$file" ]; do
		links=$((links + 1))
		target=$(readlink "$file" && echo .) || return 0
		target=${target%??}
		case $target in /*) file=$target ;; *) file=${file%/*}/$target ;; esac
		if [ "$links" -gt 40 ] || inside "${file%/*}/"; then return 0; fi
	done
	return 1
}

# Sets `friskey` to the first one on PATH that is not in this repository, or to nothing.
search() {
	friskey= rest=$PATH:
	while [ -n "$rest" ]; do
		candidate=${rest%%:*}/friskey rest=${rest#*:}
		if [ -f "$candidate" ] && [ -x "$candidate" ] && ! leads_inside "$candidate"; then
			friskey=$candidate
			return
		fi
	done
}

case $0 in */*) before=${0%/*} ;; *) before=. ;; esac
before=$before/@HOOK@@BEFORE@
friskey=@PROGRAM@
@RUN_BEFORE@
if [ ! -x "$friskey" ]; then
	outside
	search
fi
if [ -z "$friskey" ]; then
	echo "friskey: not found outside the repository, so nothing was checked: install it and run \`friskey hook install\`, or remove the hook $0" >&2
	exit 1
fi
@RUN@
