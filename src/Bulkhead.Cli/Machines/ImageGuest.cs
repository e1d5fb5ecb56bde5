using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;

namespace Bulkhead.Cli.Machines;

/// <summary>What a guest that starts from an image gets of it.</summary>
/// <param name="Image">The image; where the guest keeps what it writes, a copy of its own.</param>
/// <param name="Disks">The image's disk, or none.</param>
internal sealed record ImageGuest(GuestImage Image, IReadOnlyList<DiskRequest> Disks)
{
    /// <summary>Finds an image, and of one with a disk the guest's own.</summary>
    /// <param name="store">The cache.</param>
    /// <param name="request">Which image.</param>
    /// <param name="domain">The name of what the guest keeps; null for the recipe's.</param>
    /// <param name="forget">Whether it keeps nothing: what it writes is gone at its end, and the cache's disk stays as it is.</param>
    /// <param name="say">Told what is done.</param>
    internal static ImageGuest Find(ImageStore store, ImageRequest request, string? domain, bool forget, Action<string> say)
    {
        string? recipe = ImageStore.RecipeOfDisk(request.Recipe);
        if (recipe is null || forget)
        {
            return Describe(store.Resolve(request, say));
        }

        var own = new DomainImages();
        string name = domain ?? recipe;
        bool copied = false;
        GuestImage image = own.Find(
            name,
            recipe,
            () =>
            {
                copied = true;
                return store.Resolve(request, say);
            },
            say);
        if (request.Update && !copied)
        {
            say($"{name}: has a disk of its own, which newer packages leave alone; delete {own.FolderOf(name)} to start afresh");
        }

        return Describe(image);
    }

    /// <summary>The firmware it starts with; its variables are kept beside the guest's own disk where nothing else was said.</summary>
    internal FirmwareRequest? Own(FirmwareRequest? firmware) =>
        firmware is { VariablesPath: null, HasVariables: true } && Image is { IsPrivate: true, DiskPath: { } disk }
            ? firmware with { VariablesPath = Path.Combine(Path.GetDirectoryName(disk) ?? "/", "variables.fd") }
            : firmware;

    private static ImageGuest Describe(GuestImage image) =>
        new(image, image.DiskPath is { } path ? [new DiskRequest { Path = path, Format = "raw", Snapshot = !image.IsPrivate }] : []);
}
