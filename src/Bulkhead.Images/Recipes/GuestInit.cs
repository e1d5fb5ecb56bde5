namespace Bulkhead.Images.Recipes;

/// <summary>The script a guest image starts with, as it stands in <c>images/init</c>.</summary>
internal static class GuestInit
{
    internal static byte[] Script
    {
        get
        {
            using Stream stream = typeof(GuestInit).Assembly.GetManifestResourceStream("init")
                ?? throw new System.Diagnostics.UnreachableException("The script of the guest images is not part of the program.");
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        }
    }
}
