using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Disks;
using Bulkhead.Images.Manifests;
using Bulkhead.Images.Recipes;

namespace Bulkhead.Images;

/// <summary>The cache of guest images, and what fills it.</summary>
/// <remarks>
/// An image is a directory <c>&lt;recipe&gt;/&lt;package version&gt;+&lt;recipe hash&gt;</c>, written under another name and then
/// renamed, so that what is found is whole; it is never changed afterwards.
/// <para><i>Errors</i>: <see cref="OperatorException"/> with the fix in words.</para>
/// <para><i>Threading</i>: any thread; processes exclude each other by a file lock while an image is made.</para>
/// </remarks>
public sealed class ImageStore
{
    private const string CurrentLink = "current";
    private const string TemporaryPrefix = ".making-";
    private const string LockName = ".lock";

    private readonly string _root;
    private readonly string _keys;

    /// <summary>Creates a store under <paramref name="root"/>, or where the user's cache is when it is null.</summary>
    /// <param name="root">Where images are kept.</param>
    /// <param name="keys">Where the user's own key for guests is kept; null for where the user's data is.</param>
    public ImageStore(string? root = null, string? keys = null)
    {
        _root = root ?? Path.Combine(UserFolders.Cache, "images");
        _keys = keys ?? Path.Combine(UserFolders.Data, "ssh");
    }

    /// <summary>The names of the recipes that come with the program.</summary>
    public static IReadOnlyList<string> RecipeNames => RecipeCatalog.Names;

    /// <summary>The name of a recipe that makes a disk; null for one that does not.</summary>
    /// <param name="recipe">One of <see cref="RecipeNames"/>, or the path of a recipe.</param>
    public static string? RecipeOfDisk(string recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        Recipe read = RecipeCatalog.Read(recipe);
        return read.Disk is null ? null : read.Name;
    }

    /// <summary>Finds an image in the cache, or makes it.</summary>
    /// <param name="recipe">One of <see cref="RecipeNames"/>, or the path of a recipe.</param>
    /// <param name="update">Ask the package archive for newer packages first.</param>
    /// <param name="progress">Called with a line for the operator before each long step.</param>
    public GuestImage Resolve(string recipe, bool update, Action<string> progress) => Resolve(new ImageRequest(recipe) { Update = update }, progress);

    /// <summary>Finds an image in the cache, or makes it.</summary>
    /// <remarks>
    /// <i>Cost</i>: a millisecond or so for a cached image, which touches no package tool; else a download of some 30 MB, of 100 MB and a
    /// minute for a disk.
    /// </remarks>
    public GuestImage Resolve(ImageRequest request, Action<string> progress)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(progress);
        Recipe recipe = RecipeCatalog.Read(request.Recipe);
        void Say(string line) => progress($"{recipe.Name}: {line}");
        try
        {
            IImageMaker maker = recipe.Disk is { } disk
                ? new DiskMaker(recipe, disk, request.SshKeyPaths is { } paths ? AuthorizedKeys.Read(paths) : AuthorizedKeys.OfUser(_keys, Say), Say)
                : new InitramfsMaker(recipe, Say);
            string folder = Path.Combine(_root, recipe.Name);
            if (!request.Update && Find(folder, maker.Hash) is { } cached)
            {
                return cached;
            }

            _ = Directory.CreateDirectory(folder);
            using FileLock held = FileLock.Acquire(Path.Combine(folder, LockName), () => Say("waiting for another process that is making this image"));
            return (request.Update ? null : Find(folder, maker.Hash)) ?? Make(maker, folder, request.Update, Say);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                $"The image '{recipe.Name}' could not be stored under {_root}: {e.Message} Free space there, or set XDG_CACHE_HOME to a folder that can be written.", e);
        }
    }

    /// <summary>Copies an image's files into a folder of the operator's, over an image that is there.</summary>
    public static void Export(GuestImage image, string directory)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(directory);
        try
        {
            ImageFiles.Copy(image, directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The image '{image.Recipe}' could not be written to {directory}: {e.Message}", e);
        }
    }

    /// <summary>The images in the cache, by recipe, the newest first.</summary>
    public IReadOnlyList<StoredImage> List()
    {
        var images = new List<StoredImage>();
        string[] folders = Directory.Exists(_root) ? Directory.GetDirectories(_root) : [];
        foreach (string folder in folders.Order(StringComparer.Ordinal))
        {
            string? current = new DirectoryInfo(Path.Combine(folder, CurrentLink)).LinkTarget;
            images.AddRange(Whole(folder)
                .Select(directory => (Directory: directory, Manifest: Manifest.TryRead(directory)))
                .Where(static i => i.Manifest is not null)
                .Select(i => new StoredImage(
                    Path.GetFileName(folder), VersionOf(i.Directory), i.Directory, Directory.GetLastWriteTimeUtc(i.Directory), i.Manifest?.Disk?.SizeBytes ?? 0, Path.GetFileName(i.Directory) == current))
                .OrderByDescending(static i => i.MadeUtc));
        }

        return images;
    }

    /// <summary>Removes an image from the cache. A domain that was started from it goes on.</summary>
    public void Remove(StoredImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        string folder = Path.Combine(_root, image.Recipe);
        using FileLock held = FileLock.Acquire(Path.Combine(folder, LockName), static () => { });
        string gone = Path.Combine(folder, TemporaryPrefix + Path.GetFileName(image.Directory));
        HostFile.Rename(image.Directory, gone);
        RootShell.Delete(gone);
        if (image.IsCurrent)
        {
            File.Delete(Path.Combine(folder, CurrentLink));
        }
    }

    private static GuestImage Make(IImageMaker maker, string folder, bool update, Action<string> say)
    {
        IReadOnlyList<DebianPackage> packages = maker.Resolve(update);
        string name = $"{Recipe.VersionOf(packages)}+{maker.Hash}";
        string target = Path.Combine(folder, name);
        if (ImageFiles.Find(target, isPrivate: false) is null)
        {
            // The lock is ours, so whatever is half made belongs to a process that died.
            foreach (string stale in Directory.EnumerateDirectories(folder, TemporaryPrefix + "*"))
            {
                RootShell.Delete(stale);
            }

            string temporary = Path.Combine(folder, TemporaryPrefix + name);
            _ = Directory.CreateDirectory(temporary);
            try
            {
                maker.Build(packages, temporary).Write(temporary);
                if (Directory.Exists(target))
                {
                    RootShell.Delete(target);
                }

                Directory.Move(temporary, target);
            }
            finally
            {
                if (Directory.Exists(temporary))
                {
                    RootShell.Delete(temporary);
                }
            }
        }

        PointCurrentTo(folder, name);
        say($"ready in {target}");
        return ImageFiles.Find(target, isPrivate: false) ?? throw new System.Diagnostics.UnreachableException($"The image made in {target} is not whole.");
    }

    private static GuestImage? Find(string folder, string hash)
    {
        if (!Directory.Exists(folder))
        {
            return null;
        }

        string suffix = "+" + hash;
        string? current = new DirectoryInfo(Path.Combine(folder, CurrentLink)).LinkTarget;
        if (current is not null && current.EndsWith(suffix, StringComparison.Ordinal) && ImageFiles.Find(Path.Combine(folder, current), isPrivate: false) is { } image)
        {
            return image;
        }

        // The link follows whichever build of Bulkhead made an image last; ours may stand beside it.
        return Whole(folder)
            .Where(d => d.EndsWith(suffix, StringComparison.Ordinal))
            .OrderByDescending(Directory.GetLastWriteTimeUtc)
            .Select(static d => ImageFiles.Find(d, isPrivate: false))
            .FirstOrDefault(static i => i is not null);
    }

    private static IEnumerable<string> Whole(string folder) =>
        Directory.EnumerateDirectories(folder).Where(static d => !Path.GetFileName(d).StartsWith('.') && new DirectoryInfo(d).LinkTarget is null && d.Contains('+', StringComparison.Ordinal));

    private static string VersionOf(string directory)
    {
        string name = Path.GetFileName(directory);
        return name[..name.LastIndexOf('+')];
    }

    private static void PointCurrentTo(string folder, string name)
    {
        string next = Path.Combine(folder, CurrentLink + ".next");
        File.Delete(next);
        _ = File.CreateSymbolicLink(next, name);
        HostFile.Rename(next, Path.Combine(folder, CurrentLink));
    }
}
