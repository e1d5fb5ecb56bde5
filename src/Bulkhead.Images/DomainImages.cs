using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Images;

/// <summary>The images that domains keep what they write in: a copy of the cache's, made at a domain's first start, under the user's state.</summary>
/// <remarks>
/// The whole image is copied, kernel and initramfs too: a kernel finds its modules on the disk, so a newer one in the cache would not fit. The
/// cache can be deleted at any time, and what a domain wrote stays. Who opens a disk locks it; here only copying is.
/// <para><i>Threading</i>: any thread.</para>
/// </remarks>
public sealed class DomainImages
{
    private readonly string _root;

    /// <summary>Creates the folder's view, under <paramref name="root"/> or where the user's state is when it is null.</summary>
    public DomainImages(string? root = null) => _root = root ?? Path.Combine(UserFolders.State, "domains");

    /// <summary>Where a domain's own image lies, or will.</summary>
    public string FolderOf(string domain) => Path.Combine(_root, domain);

    /// <summary>A domain's own image; where it has none yet, the one <paramref name="find"/> returns is copied.</summary>
    /// <param name="domain">The domain's name.</param>
    /// <param name="recipe">The name of the recipe it is to be made by.</param>
    /// <param name="find">Finds the image to start from; called only where there is none.</param>
    /// <param name="progress">Called with a line for the operator before a long step.</param>
    public GuestImage Find(string domain, string recipe, Func<GuestImage> find, Action<string> progress)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(find);
        ArgumentNullException.ThrowIfNull(progress);
        string folder = FolderOf(domain);
        try
        {
            if (Find(folder, domain, recipe) is { } own)
            {
                return own;
            }

            GuestImage image = find();
            _ = Directory.CreateDirectory(folder);
            using FileLock held = FileLock.Acquire(Path.Combine(folder, ".lock"), () => progress($"{domain}: waiting for another process that is copying its disk"));
            if (Find(folder, domain, recipe) is null)
            {
                progress($"{domain}: its disk is kept in {folder}; delete that to start afresh");
                ImageFiles.Copy(image, folder);
            }

            return Find(folder, domain, recipe) ?? throw new System.Diagnostics.UnreachableException($"The image copied to {folder} is not whole.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The disk of '{domain}' could not be kept under {_root}: {e.Message} Free space there, or set XDG_STATE_HOME to a folder that can be written.", e);
        }
    }

    private static GuestImage? Find(string folder, string domain, string recipe) => ImageFiles.Find(folder, isPrivate: true) switch
    {
        null => null,
        { } image when image.Recipe == recipe => image,
        { } other => throw new OperatorException($"The disk of '{domain}' was made by the recipe '{other.Recipe}', not '{recipe}'. Give this one another name, or delete {folder}."),
    };
}
