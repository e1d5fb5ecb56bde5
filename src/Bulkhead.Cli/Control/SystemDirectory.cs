using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>Where the control sockets of this user's running systems stand.</summary>
internal static class SystemDirectory
{
    private const string Extension = ".sock";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The path of a system's socket.</summary>
    internal static string PathOf(string system) => Path.Combine(Folder(), system + Extension);

    /// <summary>The names of the systems that have a socket, running or not.</summary>
    internal static IReadOnlyList<string> Names()
    {
        string folder = Folder();
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*" + Extension).Select(static f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>Makes the folder, for its user alone.</summary>
    internal static void Create()
    {
        string folder = Folder();
        try
        {
            if (OperatingSystem.IsLinux())
            {
                _ = Directory.CreateDirectory(folder, OwnerOnly);

                // Only the owner may do this: a folder somebody else made is refused.
                File.SetUnixFileMode(folder, OwnerOnly);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{folder}: {e.Message} Set XDG_RUNTIME_DIR to a folder of your own.", 2);
        }
    }

    private static string Folder()
    {
        string? runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return !string.IsNullOrEmpty(runtime) ? Path.Combine(runtime, "bulkhead")
            : Environment.IsPrivilegedProcess ? "/run/bulkhead"
            : Path.Combine(Path.GetTempPath(), $"bulkhead-{Environment.UserName}");
    }
}
