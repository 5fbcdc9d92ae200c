#!/bin/sh
@SIGNATURE@
# Runs no program of the repository: PATH is searched without its relative directories, and without directories that are,
# with all links resolved, in one of the repository's work trees or git directories. Until PATH is safe, only builtins of
# the shell are used.
original_path=$PATH

# Sets `real` to the directory $1 without links.
resolve_links() {
	real=$(CDPATH= cd -P -- "$1" 2>/dev/null && pwd -P && echo .) || return 1
	real=${real%??}
	while :; do case $real in //*) real=${real#/} ;; *) break ;; esac; done
}

# Sets `path` to the path in the first line of the file $1, after the prefix $2. A relative path starts at the directory $3.
read_path() {
	line=
	{ IFS= read -r line <"$1"; } 2>/dev/null || [ -n "$line" ] || return 1
	case $line in "$2"?*) path=${line#"$2"} ;; *) return 1 ;; esac
	case $path in /* | [A-Za-z]:*) ;; *) path=$3/$path ;; esac
}

# Sets `git_dir` to the git directory of $1, a `.git` directory or file, and `common_dir` to the directory that all its work
# trees share.
find_git_dir() {
	path=$1
	if [ -f "$path" ]; then read_path "$path" 'gitdir: ' "${path%/*}" || return 1; fi
	resolve_links "$path" || return 1
	git_dir=$real common_dir=$real
	if [ -f "$real/commondir" ]; then
		read_path "$real/commondir" '' "$real" && resolve_links "$path" || return 1
		common_dir=$real
	fi
}

# Sets the directories of this repository: `current_dir`; `work_tree`; `own_git_dir`, its git directory; and `shared_git_dir`,
# the git directory that all its work trees share. Each is empty if it cannot be determined.
find_repository() {
	current_dir= work_tree= own_git_dir= shared_git_dir=
	resolve_links . && current_dir=$real
	if [ -n "$GIT_WORK_TREE" ] && resolve_links "$GIT_WORK_TREE"; then work_tree=$real; fi
	repository=$GIT_DIR ancestor=$current_dir
	while [ -z "$repository" ] && [ -n "$ancestor" ]; do
		if [ -e "$ancestor/.git" ]; then
			repository=$ancestor/.git
		elif [ -e "$ancestor/HEAD" ] && { [ -d "$ancestor/objects" ] || [ -e "$ancestor/commondir" ]; }; then
			repository=$ancestor
		fi
		ancestor=${ancestor%/*}
	done
	case $repository in /* | '') ;; *) repository=./$repository ;; esac
	if [ -n "$repository" ] && find_git_dir "$repository"; then own_git_dir=$git_dir shared_git_dir=$common_dir; fi
	if [ -n "$GIT_COMMON_DIR" ] && resolve_links "$GIT_COMMON_DIR"; then shared_git_dir=$real; fi
}

# Whether the directory $1 is in this repository. If that cannot be determined, it is assumed to be.
is_in_repository() {
	resolve_links "$1" || return 0
	ancestor=$real
	while [ -n "$ancestor" ]; do
		for dir in "$current_dir" "$work_tree" "$own_git_dir" "$shared_git_dir"; do
			if [ "$ancestor" = "$dir" ] || [ "$ancestor" -ef "$dir" ]; then return 0; fi
		done
		if [ -e "$ancestor/.git" ]; then
			if ! find_git_dir "$ancestor/.git" || [ -z "$shared_git_dir" ] || [ "$common_dir" = "$shared_git_dir" ]; then return 0; fi
		fi
		ancestor=${ancestor%/*}
	done
	return 1
}

# Sets PATH to its directories that are not in this repository. An empty PATH would mean the current directory.
set_safe_path() {
	rest=$original_path: safe=
	while [ -n "$rest" ]; do
		entry=${rest%%:*} rest=${rest#*:}
		case $entry in /*) is_in_repository "$entry" || safe=${safe:+$safe:}$entry ;; esac
	done
	PATH=${safe:-/dev/null}
}

# Sets PATH to its safe directories. Git is asked for the work tree, too, which may be named only by its configuration.
restrict_path() {
	find_repository
	set_safe_path
	top=$(git rev-parse --show-toplevel 2>/dev/null && echo .) || return 0
	top=${top%??}
	if resolve_links "$top" && [ "$real" != "$current_dir" ]; then
		work_tree=$real
		set_safe_path
	fi
}

# Whether the file $1 is a link that leads into this repository, or goes through it.
leads_into_repository() {
	file=$1 links=0
	while [ -L "$file" ]; do
		links=$((links + 1))
		target=$(readlink "$file" && echo .) || return 0
		target=${target%??}
		case $target in /*) file=$target ;; *) file=${file%/*}/$target ;; esac
		if [ "$links" -gt 40 ] || is_in_repository "${file%/*}/"; then return 0; fi
	done
	return 1
}

# Sets `friskey` to the first one on PATH that is not in this repository, or to nothing.
find_friskey() {
	friskey= rest=$PATH:
	while [ -n "$rest" ]; do
		candidate=${rest%%:*}/friskey rest=${rest#*:}
		if [ -f "$candidate" ] && [ -x "$candidate" ] && ! leads_into_repository "$candidate"; then
			friskey=$candidate
			return
		fi
	done
}

case $0 in */*) previous=${0%/*} ;; *) previous=. ;; esac
previous=$previous/@HOOK@@BACKUP_SUFFIX@
friskey=@PROGRAM@
@RUN_PREVIOUS@
if [ ! -x "$friskey" ]; then
	restrict_path
	find_friskey
fi
if [ -z "$friskey" ]; then
	echo "friskey: not found outside the repository, so nothing was checked: install it and run \`friskey hook install\`, or remove the hook $0" >&2
	exit 1
fi
@RUN_FRISKEY@
