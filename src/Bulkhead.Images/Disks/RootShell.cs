using Bulkhead.Host;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Disks;

/// <summary>Runs shell scripts that may give files to any user: as root, or as the root of a user namespace.</summary>
/// <remarks><i>Source</i>: Linux man-pages, user_namespaces(7); util-linux, unshare(1), <c>--map-auto</c>.</remarks>
internal static class RootShell
{
    private static readonly string[] s_namespace = ["--user", "--map-root-user", "--map-auto", "--", "sh"];

    /// <summary>Throws where this host lets us do neither.</summary>
    internal static void Require()
    {
        if (Environment.IsPrivilegedProcess)
        {
            return;
        }

        HostTool.Require("as another user than root, disks are filled with", "unshare", "newuidmap");
        if (Run("true", [], null, null, out string error) != 0)
        {
            throw new OperatorException(
                $"This host gives {Environment.UserName} no user namespace ({error}). Give {Environment.UserName} subordinate ids "
                + $"('sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {Environment.UserName}'), allow user namespaces, or make the image as root.");
        }
    }

    /// <summary>Runs a script in a directory and returns how it ended.</summary>
    internal static int Run(string script, IReadOnlyList<string> arguments, string? directory, IReadOnlyDictionary<string, string>? environment, out string error)
    {
        string[] shell = ["-euc", script, "sh", .. arguments];
        bool root = Environment.IsPrivilegedProcess;
        var complaints = new List<string>();
        int code = HostTool.Run(root ? "sh" : "unshare", root ? shell : [.. s_namespace, .. shell], directory, environment, complaints.Add, read: null);
        error = string.Join(' ', complaints);
        return code;
    }

    /// <summary>Deletes a directory that may hold files of other users of the namespace.</summary>
    internal static void Delete(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (UnauthorizedAccessException)
        {
            if (Run("exec rm -rf -- \"$1\"", [directory], null, null, out string error) != 0)
            {
                throw new OperatorException($"{directory} cannot be deleted: {error}");
            }
        }
    }
}
