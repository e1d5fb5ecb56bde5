using System.Text;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;
using Bulkhead.Host.Network;

namespace Bulkhead.Cli.Control;

/// <summary>Where the control sockets of this user's running systems stand: in a folder that is this user's alone.</summary>
/// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it is not: whoever made it may listen there in a system's place.</remarks>
internal static class SystemDirectory
{
    private const string Extension = ".sock";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The path of a system's socket.</summary>
    internal static string PathOf(string system)
    {
        string path = Path.Combine(Folder(), system + Extension);
        int bytes = Encoding.UTF8.GetByteCount(path);
        return bytes <= UnixAddress.MostPathBytes ? path : throw new OperatorException(
            $"control socket {path}: the path has {bytes} bytes, and a socket's has {UnixAddress.MostPathBytes} at most; give the system a shorter name by --name, or set XDG_RUNTIME_DIR to a folder of your own with a shorter path.", 2);
    }

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
            throw Unusable(folder, e.Message);
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
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(folder, e.Message);
        }

        _ = Folder(); // somebody else may have made it meanwhile
    }

    private static OperatorException Unusable(string folder, string why) => new($"{folder}: {why} Set XDG_RUNTIME_DIR to a folder of your own.", 2);

    private static string Folder()
    {
        string folder = Place();
        return HostFile.WhyNotPrivate(folder) is { } why
            ? throw Unusable(folder, $"{why}, so what listens there may be another's; remove it, or give it to this user alone (chmod 700).")
            : folder;
    }

    // A relative path in the environment is to be ignored, says the specification. A user without a name, as in a container, has a number.
    private static string Place()
    {
        string runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? string.Empty;
        return Path.IsPathRooted(runtime) ? Path.Combine(runtime, "bulkhead")
            : Environment.IsPrivilegedProcess ? "/run/bulkhead"
            : Path.Combine(Path.GetTempPath(), $"bulkhead-{(Environment.UserName is { Length: > 0 } name ? name : UserIds.User)}");
    }
}
