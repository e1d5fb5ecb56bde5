using System.Text;

namespace Bulkhead.Images.Recipes;

/// <summary>The scripts every guest image carries, as they stand in <c>images/</c>.</summary>
internal static class GuestScripts
{
    /// <summary>The folders their paths need, besides those every image has.</summary>
    internal static IReadOnlyList<string> Folders { get; } = ["etc/acpi", "etc/acpi/PWRF"];

    /// <summary>The first one is what the kernel starts; acpid looks for the last one under this name.</summary>
    internal static IReadOnlyList<GuestScript> All =>
        [Read("init", "init"), Read("storm", "bin/storm"), Read("urgency", "bin/urgency"), Read("dhcp", "etc/dhcp"), Read("power-button", "etc/acpi/PWRF/00000080")];

    /// <summary>Paths and texts in a row: what a hash has to cover.</summary>
    internal static byte[] Bytes => [.. All.SelectMany(static s => (byte[])[.. Encoding.UTF8.GetBytes($"{s.Path}\n"), .. s.Content])];

    private static GuestScript Read(string resource, string path)
    {
        using Stream stream = typeof(GuestScripts).Assembly.GetManifestResourceStream(resource)
            ?? throw new System.Diagnostics.UnreachableException($"The script '{resource}' of the guest images is not part of the program.");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return new GuestScript(path, copy.ToArray());
    }
}
