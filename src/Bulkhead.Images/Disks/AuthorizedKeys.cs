using System.Globalization;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Disks;

/// <summary>The public keys that let in as root by ssh.</summary>
/// <param name="Text">The keys, a line each; empty for none.</param>
/// <param name="Paths">The files they were read from.</param>
internal sealed record AuthorizedKeys(string Text, IReadOnlyList<string> Paths)
{
    private const string OwnName = "id_ed25519";

    private static readonly string[] s_kinds = ["ssh-", "ecdsa-", "sk-"];

    /// <summary>Reads public keys; a private key's name stands for the public one beside it.</summary>
    internal static AuthorizedKeys Read(IReadOnlyList<string> paths)
    {
        string[] files = [.. paths.Select(static p => p.EndsWith(".pub", StringComparison.Ordinal) || !File.Exists(p + ".pub") ? p : p + ".pub")];
        return new AuthorizedKeys(string.Concat(files.Select(ReadFile)), files);
    }

    /// <summary>The key that is the user's own for such guests, made when it is first asked for.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="progress">Told what is done.</param>
    internal static AuthorizedKeys OfUser(string folder, Action<string> progress)
    {
        string path = Path.Combine(folder, OwnName);
        if (!File.Exists(path + ".pub"))
        {
            if (!HostTool.IsHere("ssh-keygen"))
            {
                progress("nobody will be let in by ssh, since there is no ssh-keygen (package openssh-client) to make a key; or give one with --ssh-key");
                return new AuthorizedKeys(string.Empty, []);
            }

            Make(folder, path);
            progress($"made a key for ssh in {path}");
        }

        return Read([path + ".pub"]);
    }

    private static void Make(string folder, string path)
    {
        _ = Directory.CreateDirectory(folder);
        using FileLock held = FileLock.Acquire(Path.Combine(folder, ".lock"), static () => { });
        if (File.Exists(path + ".pub"))
        {
            return;
        }

        // Under another name first, so that what has the right one is whole.
        string part = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
        if (!HostTool.TryRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", string.Empty, "-C", "bulkhead", "-f", part], null, out _, out string error))
        {
            throw new OperatorException($"ssh-keygen could not make a key in {folder}: {error} Give one with --ssh-key.");
        }

        HostFile.Rename(part, path);
        HostFile.Rename(part + ".pub", path + ".pub");
    }

    private static string ReadFile(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"--ssh-key {path}: cannot be read: {e.Message}", 2);
        }

        string[] lines = [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l[0] != '#')];
        return lines.Length > 0 && lines.All(static l => s_kinds.Any(k => l.StartsWith(k, StringComparison.Ordinal)))
            ? string.Concat(lines.Select(static l => l + "\n"))
            : throw new OperatorException($"--ssh-key {path}: is not a public key; give a file such as ~/.ssh/id_ed25519.pub.", 2);
    }
}
