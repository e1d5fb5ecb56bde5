using Bulkhead.Host;
using Bulkhead.Host.Files.Trees;

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
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*" + Extension).Select(static f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(folder, e);
        }
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
            throw Unusable(folder, e);
        }
    }

    private static OperatorException Unusable(string folder, Exception why) => new($"{folder}: {why.Message} Set XDG_RUNTIME_DIR to a folder of your own.", 2);

    // A relative path in the environment is to be ignored, says the specification. A user without a name, as in a container, has a number.
    private static string Folder()
    {
        string runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? string.Empty;
        return Path.IsPathRooted(runtime) ? Path.Combine(runtime, "bulkhead")
            : Environment.IsPrivilegedProcess ? "/run/bulkhead"
            : Path.Combine(Path.GetTempPath(), $"bulkhead-{(Environment.UserName is { Length: > 0 } name ? name : UserIds.User)}");
    }
}
