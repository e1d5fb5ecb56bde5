using System.Text;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;

namespace Bulkhead.Machine.Devices;

/// <summary>A folder of the host that a domain is to have as a file system.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Tag">By what the guest mounts it.</param>
/// <param name="ReadOnly">Whether the guest may only read it.</param>
public sealed record ShareRequest(string Path, string Tag, bool ReadOnly)
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "DIR[,tag=TAG][,ro]";

    internal const string PathForm = "the path of a folder, absolute or from the system file's folder";
    internal const string TagForm = "1 to 36 letters, digits, dots, hyphens and underscores, for mount -t virtiofs TAG";

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static ShareRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, ["ro"], ["tag"], out error) is not { } words)
        {
            return null;
        }

        string path = System.IO.Path.GetFullPath(words.What);
        string tag = words.Value("tag") ?? DefaultTag(path);
        error = PathFault.OfFolder(path) is { } fault ? $"{words.What}: {fault}; give the path of one."
            : IsTag(tag) ? null
            : words.Has("tag") ? $"tag={tag}: write {TagForm}." : $"{words.What}: its name is no tag; give one, as in {words.What},tag=data.";
        return error is null ? new ShareRequest(path, tag, words.Has("ro")) : null;
    }

    /// <summary>The tag of a folder that is given none: its name.</summary>
    internal static string DefaultTag(string path) => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(path));

    /// <summary>Whether it can be one.</summary>
    internal static bool IsTag(string tag) =>
        tag.Length > 0 && Encoding.UTF8.GetByteCount(tag) <= SharedFolder.MostTagBytes && tag.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>Opens it for a guest of so much RAM; the caller disposes it.</summary>
    internal SharedFolder Open(ulong guestBytes, DescriptorBudget descriptors) => new(Path, Tag, ReadOnly, guestBytes, descriptors);
}
