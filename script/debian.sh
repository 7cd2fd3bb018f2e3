# Read by the scripts beside it: Debian's packages, as far as this machine lets us install them.

# install_debian PACKAGE…: installs them when this is root and Debian; false where it cannot.
install_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "${0##*/}: installing Debian's $*" >&2
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# What WeasyPrint loads to write a PDF, and the packages that have it, with a font. Everything else works without.
pdf_packages='libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core'

has_pdf_libraries() {
    local known name
    known=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) || return 0 # it says nothing here, so neither do we
    for name in libpango-1.0 libpangoft2-1.0 libharfbuzz-subset; do
        case $known in *"$name.so.0"*) ;; *) return 1 ;; esac
    done
}

want_pdf_libraries() {
    # shellcheck disable=SC2086 # one word a package
    has_pdf_libraries || install_debian $pdf_packages ||
        echo "${0##*/}: postmortems cannot be saved as PDF until this is installed: apt-get install $pdf_packages" >&2
}
