/* A session that writes a file: the file is made at the start, and at the stop holds what the test has laid ready. */
#include "standin.h"

#define SPARE_MEGABYTES 200

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
    return GetLastError();
}

ULONG check_room(const WCHAR *path, ULONG megabytes)
{
    WCHAR folder[NAME_LENGTH];
    ULARGE_INTEGER free;
    lstrcpynW(folder, path, NAME_LENGTH);
    for (int end = lstrlenW(folder); end > 0 && folder[end] != L'\\'; end--)
        folder[end] = 0;
    free.QuadPart = settings[FREE_MEGABYTES] << 20;
    if (!free.QuadPart && !GetDiskFreeSpaceExW(folder, &free, NULL, NULL))
        return ERROR_SUCCESS;
    return ((ULONGLONG)megabytes + SPARE_MEGABYTES) << 20 > free.QuadPart ? ERROR_DISK_FULL : ERROR_SUCCESS;
}

void write_recording(const WCHAR *path)
{
    if (recording[0])
        CopyFileW(recording, path, FALSE);
}
