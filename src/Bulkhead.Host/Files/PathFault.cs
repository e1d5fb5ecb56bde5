namespace Bulkhead.Host.Files;

/// <summary>What keeps a path from being used as it is meant, in words that follow the path; null where nothing does.</summary>
public static class PathFault
{
    private const string NotRead = "this user may not read it";

    /// <summary>Of a file to be read, and maybe written.</summary>
    public static string? OfFile(string path, bool written = false) =>
        Directory.Exists(path) ? "that is a folder"
        : !File.Exists(path) ? "there is no such file"
        : !Permits(path, FileCalls.MayRead) ? NotRead
        : written && !Permits(path, FileCalls.MayWrite) ? "this user may only read it" : null;

    /// <summary>Of a folder to be read.</summary>
    public static string? OfFolder(string path) =>
        File.Exists(path) ? "that is a file"
        : !Directory.Exists(path) ? "there is no such folder"
        : !Permits(path, FileCalls.MayRead | FileCalls.MaySearch) ? NotRead : null;

    /// <summary>Of a file or socket to be made, or written where it is there.</summary>
    public static string? OfNew(string path)
    {
        if (Path.Exists(path))
        {
            return OfFile(path, written: true);
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        return !Directory.Exists(folder) ? $"there is no folder {folder}"
            : !Permits(folder, FileCalls.MayWrite | FileCalls.MaySearch) ? $"this user may make nothing in {folder}" : null;
    }

    private static bool Permits(string path, int uses) => FileCalls.Access(path, uses) == 0;
}
