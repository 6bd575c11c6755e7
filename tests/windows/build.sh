#!/usr/bin/env bash
# Builds the two stand-ins into FOLDER with mingw-w64's compiler: advapi32-standin.dll and ntdll-standin.dll.
#
#   tests/windows/build.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

library() { # library FOLDER NAME SOURCE...
    local folder=$1 name=$2
    shift 2
    x86_64-w64-mingw32-gcc -std=c11 -O2 -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror \
        -D_WIN32_WINNT=0x0A00 -shared -s -static-libgcc -o "$folder/$name.new" "$@"
    mv "$folder/$name.new" "$folder/$name"
}

library "$1" advapi32-standin.dll "$here"/standin/*.c "$here/standin/standin.def"
library "$1" ntdll-standin.dll "$here"/counters/*.c
