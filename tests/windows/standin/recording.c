/* A session that writes a file: the file is made at the start, and at the stop holds what the test has laid ready. */
#include "standin.h"

static WCHAR recording[NAME_LENGTH];

ULONG set_recording(const WCHAR *path)
{
    lstrcpynW(recording, path, NAME_LENGTH);
    return ERROR_SUCCESS;
}

ULONG create_file(const WCHAR *path)
{
    HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        CloseHandle(file);
        return ERROR_SUCCESS;
    }
    ULONG status = GetLastError();
    return status == ERROR_PATH_NOT_FOUND || status == ERROR_INVALID_NAME ? ERROR_BAD_PATHNAME : status;
}

void write_recording(const WCHAR *path)
{
    if (recording[0])
        CopyFileW(recording, path, FALSE);
}
